/** A range of a buffer. */
export interface Place {
  buffer: GPUBuffer;
  offset: number;
  bytes: number;
}

export type Transfer = { kind: "copy"; from: Place; to: Place } | { kind: "clear"; target: Place };

/** A command whose GPU objects are known: nothing is left to create or to look up. */
export type Encodable =
  | {
      kind: "dispatch";
      pipeline: GPUComputePipeline;
      group: GPUBindGroup;
      workgroups: readonly [number, number, number];
    }
  | Transfer;

/** Encodes commands in order: dispatches that follow each other share a pass. */
export function encode(encoder: GPUCommandEncoder, commands: readonly Encodable[], label: string): void {
  let pass: GPUComputePassEncoder | null = null;
  let current: GPUComputePipeline | null = null;
  for (const command of commands) {
    if (command.kind === "dispatch") {
      if (!pass) {
        pass = encoder.beginComputePass({ label });
        current = null;
      }
      if (command.pipeline !== current) pass.setPipeline(command.pipeline);
      current = command.pipeline;
      pass.setBindGroup(0, command.group);
      pass.dispatchWorkgroups(...command.workgroups);
    } else {
      pass?.end();
      pass = null;
      encodeTransfer(encoder, command);
    }
  }
  pass?.end();
}

/** Encodes a copy or a clear; no pass may be open. */
export function encodeTransfer(encoder: GPUCommandEncoder, command: Transfer): void {
  if (command.kind === "clear") {
    const { buffer, offset, bytes } = command.target;
    encoder.clearBuffer(buffer, offset, bytes);
  } else {
    const { from, to } = command;
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, from.bytes);
  }
}
