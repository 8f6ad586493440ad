import { useId, type ReactNode } from 'react';
import { text } from '../i18n';
import { ask, isWorking } from '../state/store';
import { ActionButton } from '../ui/Button';
import { Disclosure } from '../ui/Disclosure';
import { useApp, useSession } from '../ui/use-store';

function Strength(): ReactNode {
  const session = useSession();
  const strength = useApp((state) => state.asked.strength);
  const id = useId();
  const percent = Math.round(strength * 100);
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>{text.controls.strength}</label>
        <output htmlFor={id}>{text.controls.strengthValue(percent)}</output>
      </div>
      <input
        id={id}
        type="range"
        min={0}
        max={200}
        step={1}
        list={`${id}-ticks`}
        value={percent}
        aria-valuetext={text.controls.strengthValue(percent)}
        style={{ '--at': `${percent / 2}%` }}
        onChange={(event) => session.setStrength(Number(event.currentTarget.value) / 100)}
      />
      <datalist id={`${id}-ticks`}>
        <option value={100} />
      </datalist>
      <p className="field-hint">{text.controls.strengthHint}</p>
    </div>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly value: number | undefined;
  readonly placeholder: string;
  readonly max: number;
  readonly min: number;
  readonly onValue: (value: number | undefined) => void;
}

function NumberField({ label, hint, value, placeholder, min, max, onValue }: NumberFieldProps): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={min}
        max={max}
        step={1}
        value={value ?? ''}
        placeholder={placeholder}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => {
          const number = currentTarget.valueAsNumber;
          onValue(Number.isNaN(number) ? undefined : Math.min(max, Math.max(min, Math.round(number))));
        }}
      />
      <p className="field-hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

export function Controls(): ReactNode {
  const session = useSession();
  const { steps, seed } = useApp((state) => state.asked);
  const working = useApp(isWorking);
  const packSteps = useApp((state) => state.pack?.steps);
  return (
    <div className="controls">
      <div className="controls-go">
        <ActionButton
          action={working ? 'cancel' : 'generate'}
          kind={working ? 'plain' : 'primary'}
          className="button-large"
        />
      </div>
      <Strength />
      <Disclosure label={text.controls.advanced}>
        <NumberField
          label={text.controls.steps}
          hint={packSteps ? text.controls.stepsHint(packSteps) : text.controls.stepsHintUnknown}
          value={steps}
          placeholder={packSteps ? String(packSteps) : ''}
          min={1}
          max={50}
          onValue={(value) => ask(session.store, { steps: value })}
        />
        <NumberField
          label={text.controls.seed}
          hint={text.controls.seedHint}
          value={seed}
          placeholder="0"
          min={0}
          max={2 ** 32 - 1}
          onValue={(value) => ask(session.store, { seed: value ?? 0 })}
        />
      </Disclosure>
    </div>
  );
}
