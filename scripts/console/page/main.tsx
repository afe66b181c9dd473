/** The beginning of the page. */
import { options, render } from 'preact';
import { App } from './app.tsx';
import './style.css';

// However much happens, it is drawn once a frame; and not at all while nobody can see it.
options.debounceRendering = requestAnimationFrame;
const element = document.getElementById('console');
if (element !== null) render(<App />, element);
