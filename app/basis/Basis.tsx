import { useState, type ReactNode } from 'react';
import { text } from '../i18n';
import { pixels } from '../result/pixels';
import type { Shown } from '../state/types';
import { Disclosure } from '../ui/Disclosure';
import { useApp } from '../ui/use-store';
import { Bars } from './Bars';
import { Heatmap } from './Heatmap';
import { elementMeans, isEven, sentenceCase, strongest } from './summary';

const PLACEHOLDER = new Float64Array(32);

/** As it stands within a sentence. */
function elementName(shown: Shown | undefined, index: number): string {
  return shown?.pack.elementNames[index] ?? text.basis.element(index + 1);
}

/** The weights of the LoRA basis as a picture, in plain words first. */
export function Basis(): ReactNode {
  const shown = useApp((state) => state.shown);
  const [open, setOpen] = useState(false);
  const coefficients = shown && pixels.coefficients;
  const means = coefficients ? elementMeans(coefficients) : PLACEHOLDER;
  const even = isEven(means);
  const top = coefficients && !even ? strongest(means, 3) : [];
  const names = new Intl.ListFormat('en').format(top.map((index) => elementName(shown, index)));

  return (
    <section className="basis" aria-labelledby="basis-title">
      <h2 id="basis-title" className="small-title">
        {text.basis.title}
      </h2>
      <p className="basis-lead">
        {!coefficients
          ? text.basis.empty
          : even
            ? text.basis.even(coefficients.elements)
            : text.basis.lead(coefficients.elements, names)}
      </p>
      <Bars means={means} top={top} nameOf={(index) => sentenceCase(elementName(shown, index))} />
      {coefficients && shown && (
        <Disclosure label={text.basis.expert} onToggle={setOpen}>
          {open && (
            <>
              <p>{text.basis.expertText(coefficients.targets, coefficients.elements)}</p>
              <Heatmap coefficients={coefficients} targets={shown.pack.targets} />
              <table className="basis-table">
                <thead>
                  <tr>
                    <th scope="col">{text.basis.strongest}</th>
                    <th scope="col">{text.basis.share}</th>
                  </tr>
                </thead>
                <tbody>
                  {strongest(means, 5).map((index) => (
                    <tr key={index}>
                      <th scope="row">{sentenceCase(elementName(shown, index))}</th>
                      <td>{(means[index] ?? 0).toFixed(4)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )}
        </Disclosure>
      )}
    </section>
  );
}
