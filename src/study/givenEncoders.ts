/** Encoders that a study reads as they are: trained before, by whom and on what their folder's zoo.json says. */
import type { MethodName } from "../models/methods.ts";

export interface GivenEncoder {
  method: MethodName;
  /** Of its run. */
  seed: number;
  /** Path of its safetensors. */
  file: string;
  /** Of the file. */
  sha256: string;
  /** The set that it was trained on, and pictures seen. */
  data: string;
  pictures: number;
  /** Of training. */
  seconds: number;
  /** What it was trained on, in words. */
  adapter: string;
  /** What trains it again. */
  command: string;
  /** What it scored where the folder was made. */
  recorded?: RecordedScores;
}

/** A readout without its pictures. */
export interface RecordedScore {
  target: string;
  reading: string;
  probe: string;
  score: number;
}

/** Scores of an encoder as they were found before, to hold today's against. */
export interface RecordedScores {
  /** The part of a study's plan that the cell was computed by (`CellPlan`): scores of another plan are not comparable. */
  plan: object;
  /** What computed them, in words. */
  adapter: string;
  scores: readonly RecordedScore[];
  /** Where the encoder was read before its first step, too: a file of `encodeOutcomes`, and its scores. */
  first?: { file: string; sha256: string; scores: readonly (RecordedScore & { floor: number })[] };
}
