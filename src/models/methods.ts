// Every way to pretrain, by the name that `partwise pretrain` takes: a file of its own, and one line here.

import { beitModule } from "./beit.ts";
import { caeModule } from "./cae.ts";
import { data2vecModule } from "./data2vec.ts";
import { dinoModule } from "./dino.ts";
import { ibotModule } from "./ibot.ts";
import { maeModule } from "./mae.ts";
import { mocoV3Module } from "./mocoV3.ts";
import { supervisedModule } from "./supervised.ts";

export const METHODS = {
  supervised: supervisedModule,
  "moco-v3": mocoV3Module,
  dino: dinoModule,
  ibot: ibotModule,
  mae: maeModule,
  beit: beitModule,
  data2vec: data2vecModule,
  cae: caeModule,
} as const;

export type MethodName = keyof typeof METHODS;
