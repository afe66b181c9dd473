/** Faults of the process itself. What ends or stops it comes after the answer, which could not come later. */
import { defineFault, FaultRefused, optional, required } from './fault-kind.ts';

const LONGEST_DOWN_MS = 600_000;

export const PROCESS_FAULTS = [
  defineFault({
    name: 'pause',
    summary: 'SIGSTOP of the broker: its connections stay, and nothing comes from it; it goes on by itself',
    parameters: [required('forMs', 'integer', 'how long; nothing can end it sooner but SIGCONT', { min: 1 })],
    async strike({ process }, { forMs }) {
      const pause = await process.preparePause(forMs);
      // Nobody can ask before it is over, and its time is over then as well.
      return { heal: () => {}, afterAnswer: () => pause.stop() };
    },
  }),
  defineFault({
    name: 'kill',
    isMomentary: true,
    summary: 'kill -9 of the broker',
    parameters: [],
    strike: ({ process }) => ({ heal: null, afterAnswer: () => process.kill() }),
  }),
  defineFault({
    name: 'restart',
    isMomentary: true,
    summary: 'Ends the broker and starts it again, where something supervises it (odradek cluster)',
    parameters: [
      optional('how', 'string', 'clean, as by SIGTERM, unless given; hard as by kill -9', {
        oneOf: ['clean', 'hard'],
      }),
      optional('downMs', 'integer', 'how long it is down; 0 unless given', { min: 0, max: LONGEST_DOWN_MS }),
    ],
    async strike({ supervisor }, { body }) {
      if (supervisor === null)
        throw new FaultRefused('nobody would start this broker again: restart is for odradek cluster');
      const how = body['how'] === 'hard' ? 'hard' : 'clean';
      await supervisor.ask({ what: 'restart', how, downMs: Number(body['downMs'] ?? 0) });
      return { heal: null };
    },
  }),
] as const;
