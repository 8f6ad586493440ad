/** Starts the benchmark's page. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { applyTheme, readTheme } from '../settings/theme';
import '../ui/fonts.css';
import '../ui/tokens.css';
import '../ui/base.css';
import '../ui/controls.css';
import { Bench } from './Bench';
import './bench.css';

applyTheme(readTheme());
const root = document.getElementById('root');
if (!root) throw new Error('bench.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Bench />
  </StrictMode>,
);
