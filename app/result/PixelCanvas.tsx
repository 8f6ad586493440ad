import { useLayoutEffect, useRef, type ReactNode } from 'react';
import type { RgbaImage } from '../../workers/engine/protocol';

interface Props {
  /** Reads the pixels when `revision` changes; they are not React state. */
  readonly read: () => RgbaImage | undefined;
  readonly revision: number;
  readonly label: string;
  readonly className?: string;
  readonly result?: boolean;
}

/** Pixels from their owner, on a canvas as large as they are; CSS scales it. */
export function PixelCanvas({ read, revision, label, className, result }: Props): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = ref.current;
    const image = read();
    if (!canvas || !image) return;
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.putImageData(new ImageData(image.data, image.width, image.height), 0, 0);
  }, [read, revision]);
  return <canvas ref={ref} className={className} role="img" aria-label={label} data-result-canvas={result ? '' : undefined} />;
}
