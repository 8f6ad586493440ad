import { useState, type ReactNode } from 'react';
import { text, type SampleName } from '../i18n';
import { useSession } from '../ui/use-store';
import { sampleUrl, SAMPLES, takeSample } from './samples';

export function Samples(): ReactNode {
  const session = useSession();
  const [taking, setTaking] = useState<SampleName>();
  const take = async (sample: SampleName): Promise<void> => {
    setTaking(sample);
    await takeSample(session, sample);
    setTaking(undefined);
  };
  return (
    <section className="samples" aria-labelledby="samples-title">
      <h2 id="samples-title" className="small-title">
        {text.samples.title}
      </h2>
      <ul className="samples-list">
        {SAMPLES.map((sample) => (
          <li key={sample}>
            <button
              type="button"
              className="sample"
              data-sample={sample}
              aria-label={text.samples.use(text.samples.names[sample])}
              aria-busy={taking === sample}
              onClick={() => void take(sample)}
            >
              <img
                src={sampleUrl(sample, 'thumb')}
                alt=""
                width={320}
                height={240}
                loading="lazy"
                decoding="async"
              />
              <span aria-hidden="true">{text.samples.names[sample]}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
