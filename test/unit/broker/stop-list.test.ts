/** What has been made is stopped, whoever else fails: in reverse, each once, and nobody keeps the next from it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { StopList } from '../../../broker/node/stop-list.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';

let said: string[];
/** What was stopped, in order, and how. */
let stopped: string[];
let stops: StopList;

beforeEach(() => {
  said = [];
  stopped = [];
  stops = new StopList(
    recordingDiagnostics((level, message, error) => {
      if (level !== 'debug') said.push(`${level} ${message}: ${error}`);
    }),
  );
});

const stopOf = (name: string) => (clean: boolean) => {
  stopped.push(`${name} ${clean ? 'clean' : 'at once'}`);
};
const make = (name: string): void => stops.push({ name, stop: stopOf(name) });

describe('a start that fails', () => {
  it('stops what was made before, the last first, and nothing else', async () => {
    const start = async (): Promise<void> => {
      try {
        make('the session');
        make('the logs');
        await Promise.reject(new Error('the port is taken'));
        make('the clients');
      } catch (error) {
        await stops.stop(false);
        throw error;
      }
    };
    await expect(start()).rejects.toThrow('the port is taken');
    expect(stopped).toEqual(['the logs at once', 'the session at once']);
    expect(said).toEqual([]);
  });
});

describe('a clean stop', () => {
  it('waits for each part before it stops the one that was made before it', async () => {
    make('the session');
    const { promise, resolve } = Promise.withResolvers<void>();
    stops.push({
      name: 'the clients',
      stop: async (clean) => {
        await promise;
        stopOf('the clients')(clean);
      },
    });
    const over = stops.stop(true);
    await Promise.resolve();
    expect(stopped).toEqual([]);
    resolve();
    await over;
    expect(stopped).toEqual(['the clients clean', 'the session clean']);
  });

  it('leaves no turn between parts that stop at once', () => {
    make('the logs');
    make('the replicas');
    void stops.stop(true);
    expect(stopped).toEqual(['the replicas clean', 'the logs clean']);
  });

  it('stops each part once, however often it is asked', async () => {
    make('the logs');
    await Promise.all([stops.stop(true), stops.stop(false)]);
    await stops.stop(true);
    expect(stopped).toEqual(['the logs clean']);
  });

  it('stops what is made while it goes on', async () => {
    make('the session');
    stops.push({ name: 'the clients', stop: async () => make('a late one') });
    await stops.stop(true);
    expect(stopped).toEqual(['a late one clean', 'the session clean']);
  });
});

describe('a part that can’t be stopped', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('the disk is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ])('because it %s is reported, and the others are stopped', async (_, stop) => {
    make('the session');
    stops.push({ name: 'the logs', stop });
    make('the clients');
    await stops.stop(true);
    expect(stopped).toEqual(['the clients clean', 'the session clean']);
    expect(said).toEqual([
      'error Could not stop the logs; going on with the others: Error: the disk is full',
    ]);
  });
});
