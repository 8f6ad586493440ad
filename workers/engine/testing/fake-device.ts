/** The parts of a GPUDevice that DeviceWatch looks at, with handles to make it fail. */
export interface FakeDevice {
  readonly device: Pick<GPUDevice, 'lost' | 'addEventListener'>;
  lose(): void;
  refuse(error: { readonly message: string }): void;
}

export function fakeDevice(): FakeDevice {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  const target = new EventTarget();
  return {
    device: { lost, addEventListener: target.addEventListener.bind(target) as GPUDevice['addEventListener'] },
    lose: () => lose({ reason: 'unknown', message: 'the driver went away' } as GPUDeviceLostInfo),
    refuse: (error) => target.dispatchEvent(Object.assign(new Event('uncapturederror'), { error })),
  };
}
