/** A program for a thread of the pool that says where what is made of its sources is kept. */
import { getCompileCacheDir } from 'node:module';
import { serveJobs } from '../../../broker/platform/worker-thread.ts';
import type { Job } from '../../../broker/platform/workers.ts';

const where: Job<null, string | null> = { name: 'where', run: () => getCompileCacheDir() ?? null };

serveJobs([where]);
