// Where BEiT and CAE get the tokens of hidden patches from: codes of the run's own or of a file (tokenizer.ts), or DALL-E's
// encoder, which the run is given and keeps (dalle.ts).

import type { ParameterSpec } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { gather, gatherTokens } from "../engine/ops/gather.ts";
import { type DalleConfig, dalleSpecs, dalleTokens, TOKEN_SIDE } from "./dalle.ts";
import type { Initializer } from "./init.ts";
import type { Method, Seeing, ViewGroup } from "./method.ts";
import { CODEBOOK, codebookSpec, fitCodebook, tokenizerPatches, tokensOf } from "./tokenizer.ts";
import type { VitConfig } from "./vit.ts";

/** What a method's settings say of its tokens. */
export interface TokenConfig {
  /** How many there are. */
  tokens: number;
  /** DALL-E's encoder, whose values `Trainer.ready` is given. Without it there are codes. */
  dalle?: DalleConfig;
}

/** What a method has for its tokens, and the tokens. */
export interface TokenSource {
  /** Of the method, as they stand. */
  parts: Pick<Method, "prepare" | "given">;
  /** Buffers of the trained network. */
  buffers(init: Initializer): ParameterSpec[];
  /** Networks besides the method's own. */
  networks: Readonly<Record<string, readonly ParameterSpec[]>>;
  /** The method's view groups, the first of which is named by tokens, and those that are looked at for it. */
  views(own: readonly ViewGroup[]): readonly ViewGroup[];
  /** Tokens of the patches `hidden` of the first view. hidden u32 [B, M] -> u32 [B, M]. */
  targets(step: Pick<Seeing, "networks" | "views">, hidden: Tensor): Tensor;
}

/** The token source of an encoder's patches. Throws one sentence where the settings are not its. */
export const tokenSource = (encoder: VitConfig, { tokens, dalle }: TokenConfig): TokenSource =>
  dalle === undefined ? codes(encoder, tokens) : fromDalle(encoder, tokens, dalle);

const codes = ({ patchSize }: VitConfig, tokens: number): TokenSource => ({
  buffers: (init) => [codebookSpec(tokens, patchSize, init)],
  networks: {},
  views: (own) => own,
  parts: {
    prepare: async (preview) => new Map([[CODEBOOK, await fitCodebook(preview, tokens, patchSize)]]),
  },
  targets({ networks, views }, hidden) {
    const patches = gatherTokens(tokenizerPatches(views[0]!, patchSize), hidden);
    return tokensOf(networks.model!.get(CODEBOOK), patches);
  },
});

/** The network of DALL-E's encoder, and so what comes before its names in a checkpoint. */
export const DALLE = "tokenizer";

/** The encoder sees the same crop at 8 pixels a patch, half of BEiT's 16, resampled by Lanczos (datasets.py). */
function fromDalle({ imageSize, patchSize }: VitConfig, tokens: number, dalle: DalleConfig): TokenSource {
  if (dalle.tokens !== tokens) {
    throw new Error(`tokens: must be as many as DALL-E's encoder has, ${dalle.tokens}; got ${tokens}`);
  }
  const size = (imageSize / patchSize) * TOKEN_SIDE;
  return {
    buffers: () => [],
    networks: { [DALLE]: dalleSpecs(dalle) },
    parts: { given: [DALLE] },
    views: (own) => [...own, { ...own[0]!, size, filter: "lanczos", follows: 0 }],
    targets: ({ networks, views }, hidden) =>
      gather(dalleTokens(networks[DALLE]!, dalle, views.at(-1)!), 1, hidden),
  };
}
