import { useState, type ReactNode } from 'react';
import { text } from '../i18n';
import { keepTheme, readTheme, THEMES, type Theme } from './theme';

export function ThemeSwitch(): ReactNode {
  const [theme, setTheme] = useState<Theme>(readTheme);
  return (
    <label className="theme">
      <span>{text.theme.label}</span>
      <select
        value={theme}
        onChange={(event) => {
          const next = THEMES.find((name) => name === event.currentTarget.value) ?? 'system';
          setTheme(next);
          keepTheme(next);
        }}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {text.theme[name]}
          </option>
        ))}
      </select>
    </label>
  );
}
