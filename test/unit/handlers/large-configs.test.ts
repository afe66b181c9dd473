/** Very many configs of one topic: it can't have most of them, and nobody makes a map of those. */
import { expect, it, vi } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { alterConfigs } from '../../../broker/handlers/33-alter-configs.ts';
import { incrementalAlterConfigs } from '../../../broker/handlers/44-incremental-alter-configs.ts';
import { ask } from './ask.ts';

const stored = new Map([['segment.ms', '7']]);
const store = () => ({
  configs: {
    read: async () => stored,
    readMany: async (_type: string, names: string[]) => names.map(() => new Map<string, string>()),
    update: () => Promise.reject(new Error('written')),
  },
});

it.each([
  ['AlterConfigs', alterConfigs, 2],
  ['IncrementalAlterConfigs', incrementalAlterConfigs as unknown as typeof alterConfigs, 1],
])(
  '%s: the first that a topic can’t have is told, and the others are not kept',
  async (_name, handler, version) => {
    const unknown = Array.from({ length: 10_000 }, (_, at) => ({ name: `unknown-${at}`, value: '1' }));
    const configs = [{ name: 'retention.ms', value: '5' }, ...unknown];
    const request = { resources: [{ resourceType: 2, resourceName: 't1', configs }] };
    const kept = vi.spyOn(Map.prototype, 'set');
    try {
      const { response } = await ask(handler, version, request, { store });
      expect(response.responses).toMatchObject([
        { errorCode: ErrorCode.INVALID_CONFIG, errorMessage: 'Unknown topic config name: unknown-0' },
      ]);
      expect(kept.mock.calls.filter(([key]) => String(key).startsWith('unknown-')).length).toBeLessThan(10);
    } finally {
      kept.mockRestore();
    }
  },
);
