/** What handlers declare to need is what they get, and what they use. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defineHandler } from '../../../broker/handlers/handler.ts';
import type { ServiceName } from '../../../broker/handlers/services.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { Heartbeat } from '../../../broker/protocol/messages/12-heartbeat.ts';
import type { AnyApi } from '../../../broker/protocol/schema.ts';

const FOLDER = join(import.meta.dirname, '../../../broker/handlers');

/** The source of a handler and of the files in `shared/` that it is made of. */
function sourcesOf({ key }: AnyApi): string {
  const number = String(key).padStart(2, '0');
  const files = [join(FOLDER, readdirSync(FOLDER).find((file) => file.startsWith(`${number}-`)) ?? '')];
  const sources: string[] = [];
  // Grows while it is read.
  for (const file of files) {
    const source = readFileSync(file, 'utf8');
    sources.push(source);
    for (const [, imported = ''] of source.matchAll(/from '(\.[^']+)'/g)) {
      const path = join(dirname(file), imported);
      if (path.startsWith(join(FOLDER, 'shared')) && !files.includes(path)) files.push(path);
    }
  }
  return sources.join('\n');
}

/** Whether the source takes that service out of what it is given: `services.x`, or `{ x }` of a parameter or a variable. */
function uses(source: string, service: ServiceName): boolean {
  const member = new RegExp(`\\bservices\\s*\\.${service}\\b`);
  const parts = new RegExp(`\\{[^{}]*\\b${service}\\b[^{}]*\\}(: Need| = services;|\\) \\{)`);
  return member.test(source) || parts.test(source);
}

describe('needs of handlers', () => {
  it('a handler that uses what it did not declare does not compile', () => {
    const handler = defineHandler(Heartbeat, ['groups'], {
      handle(_request, _context, services) {
        // @ts-expect-error: the clock is not declared
        return { errorCode: services.clock.nowMs() };
      },
      refuse: (_request, errorCode) => ({ errorCode }),
    });
    expect(handler.needs).toEqual(['groups']);
  });

  it.each([...HANDLERS.values()].map(({ api, needs }) => [api.name, api, needs] as const))(
    '%s declares nothing that it does not use',
    (_name, api, needs) => {
      const source = sourcesOf(api);
      expect(needs.filter((service) => !uses(source, service))).toEqual([]);
    },
  );
});
