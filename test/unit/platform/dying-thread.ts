/** A program for a thread of the pool that can die on order. */
import { serveJobs } from '../../../broker/platform/worker-thread.ts';
import type { Job } from '../../../broker/platform/workers.ts';

const live: Job<null, string> = { name: 'live', run: () => 'there' };
const die: Job<null, never> = { name: 'die', run: () => process.exit(3) };

serveJobs([live, die]);
