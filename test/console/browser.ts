/** The browser that the page is tried in: a Chromium of this machine. */
import { existsSync } from 'node:fs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Null: there is none. */
export const browserPath: string | null = PATHS.find((path) => existsSync(path)) ?? null;
