/** How the page writes numbers, times and sizes. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const KIBI = 1024;

export function bytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= KIBI && unit < UNITS.length - 1) {
    value /= KIBI;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `1 member`, `2 members` */
export function amount(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`;
}

/** `14:03:22.125` */
export function time(atMs: number): string {
  const date = new Date(atMs);
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function dateAndTime(atMs: number): string {
  return `${new Date(atMs).toLocaleDateString('sv')} ${time(atMs)}`;
}
