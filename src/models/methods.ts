// Every way to pretrain, by the name that `partwise pretrain` takes: a file of its own, and one line here.

import { dinoModule } from "./dino.ts";
import { maeModule } from "./mae.ts";
import { mocoV3Module } from "./mocoV3.ts";
import { supervisedModule } from "./supervised.ts";

export const METHODS = {
  supervised: supervisedModule,
  "moco-v3": mocoV3Module,
  dino: dinoModule,
  mae: maeModule,
} as const;

export type MethodName = keyof typeof METHODS;
