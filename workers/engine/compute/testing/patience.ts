import { vi } from 'vitest';

// Software drivers compile a large kernel for seconds, more on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
