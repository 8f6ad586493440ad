/** The recipe: what is needed to make a result again, carried inside the saved file. */
import type { Coefficients, PackInfo, RunReport } from '../../workers/engine/protocol';

export const RECIPE_KEYWORD = 'Likewise recipe';

export interface Recipe {
  readonly version: 1;
  readonly pack: string;
  readonly packVersion: string;
  /** 0..2 */
  readonly strength: number;
  readonly steps: number;
  readonly seed: number;
  readonly anchor: string;
  readonly backend: string;
  readonly precision: string;
  readonly coefficients: { readonly targets: number; readonly elements: number; readonly sha256: string };
}

/** SHA-256 of the values as little-endian f32, in hexadecimal. */
export async function coefficientsDigest({ values }: Coefficients): Promise<string> {
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, index) => bytes.setFloat32(index * 4, value, true));
  const digest = await crypto.subtle.digest('SHA-256', bytes.buffer);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function recipeOf(
  { report, pack }: { readonly report: RunReport; readonly pack: PackInfo },
  coefficients: Coefficients,
): Promise<Recipe> {
  return {
    version: 1,
    pack: pack.id,
    packVersion: pack.version,
    strength: report.strength,
    steps: report.steps,
    seed: report.seed,
    anchor: report.anchor,
    backend: report.backend,
    precision: report.precision,
    coefficients: {
      targets: coefficients.targets,
      elements: coefficients.elements,
      sha256: await coefficientsDigest(coefficients),
    },
  };
}

/** "beach.jpg" at 100 % becomes "beach likewise.png"; another strength is named too. */
export function fileName(name: string, strength: number): string {
  const stem = name.replace(/\.[^.]{1,5}$/, '').trim() || 'picture';
  const percent = Math.round(strength * 100);
  return percent === 100 ? `${stem} likewise.png` : `${stem} likewise ${percent}.png`;
}
