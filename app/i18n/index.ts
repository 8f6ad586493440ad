/** The words in use. One language for now; a second one is chosen here. */
import { en, type Text } from './en';

export type { SampleName } from './en';
export const text: Text = en;
