import { useLayoutEffect, useRef, type ReactNode } from 'react';
import type { RgbaImage } from '../../workers/engine/protocol';

interface Props {
  readonly image: RgbaImage | undefined;
  readonly label: string;
  readonly className?: string;
  readonly result?: boolean;
}

/** Pixels on a canvas as large as they are; CSS scales it. */
export function PixelCanvas({ image, label, className, result }: Props): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = ref.current;
    if (!canvas || !image) return;
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.putImageData(new ImageData(image.data, image.width, image.height), 0, 0);
  }, [image]);
  return (
    <canvas
      ref={ref}
      className={className}
      role="img"
      aria-label={label}
      data-result-canvas={result ? '' : undefined}
    />
  );
}
