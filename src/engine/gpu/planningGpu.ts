/**
 * A `GPUDevice` with the limits and features of another that holds nothing and computes nothing: buffers have a size
 * alone and writes are dropped. Enough to lay out a model and capture its step; whatever would run throws.
 */
export function planningGpu({ limits, features, adapterInfo }: GPUDevice): GPUDevice {
  const refuse = (): never => {
    throw new Error("a planning device runs nothing: capture the step instead");
  };
  const hollow = {
    limits,
    features,
    adapterInfo,
    lost: new Promise(() => undefined),
    addEventListener: () => undefined,
    destroy: () => undefined,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
    queue: { writeBuffer: () => undefined },
    pushErrorScope: () => undefined,
    popErrorScope: async () => null,
    createCommandEncoder: refuse,
    createShaderModule: refuse,
  };
  return hollow as unknown as GPUDevice;
}
