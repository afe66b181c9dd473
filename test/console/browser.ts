/** The browser that the page is tried in: a Chromium of this machine. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Null: there is none. */
export const browserPath: string | null = PATHS.find((path) => existsSync(path)) ?? null;

export function openBrowser(): Promise<Browser> {
  // In a container root has no sandbox to be in.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: browserPath ?? '', args });
}
