import { useLayoutEffect, useRef, type ReactNode } from 'react';
import type { RgbaImage } from '../../workers/engine/protocol';

interface Props {
  readonly image: RgbaImage | undefined;
  readonly label: string;
  readonly className?: string;
  readonly result?: boolean;
}

/** No screen shows more; a canvas of 24 megapixels would cost 96 MB a second time. */
const LONGEST = 4096;

async function drawSmaller(
  canvas: HTMLCanvasElement,
  pixels: ImageData,
  isCurrent: () => boolean,
): Promise<void> {
  const scale = LONGEST / Math.max(pixels.width, pixels.height);
  const size = {
    resizeWidth: Math.round(pixels.width * scale),
    resizeHeight: Math.round(pixels.height * scale),
  };
  const bitmap = await createImageBitmap(pixels, { ...size, resizeQuality: 'high' });
  if (isCurrent()) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  }
  bitmap.close();
}

/** Pixels on a canvas as large as they are, up to a limit; CSS scales it. */
export function PixelCanvas({ image, label, className, result }: Props): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = ref.current;
    if (!canvas || !image) return undefined;
    let current = true;
    const pixels = new ImageData(image.data, image.width, image.height);
    if (Math.max(image.width, image.height) > LONGEST) {
      void drawSmaller(canvas, pixels, () => current);
    } else {
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext('2d')?.putImageData(pixels, 0, 0);
    }
    return () => {
      current = false;
    };
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
