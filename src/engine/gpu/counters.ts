/** What the engine asked of the GPU so far. Tests of the steady state compare two snapshots. */
export interface Counters {
  submits: number;
  dispatches: number;
  buffersCreated: number;
  bindGroupsCreated: number;
  pipelinesCreated: number;
  readbacks: number;
  /** Bytes held by live GPU buffers, pooled ones included. */
  bytesHeld: number;
  /** The largest value `bytesHeld` has had. */
  bytesPeak: number;
}

export const newCounters = (): Counters => ({
  submits: 0,
  dispatches: 0,
  buffersCreated: 0,
  bindGroupsCreated: 0,
  pipelinesCreated: 0,
  readbacks: 0,
  bytesHeld: 0,
  bytesPeak: 0,
});
