/** A program for a thread of the pool that misses a native module. */
import { nativeModule } from '../../../broker/platform/native-module.ts';
import { serveJobs } from '../../../broker/platform/worker-thread.ts';
import type { Job } from '../../../broker/platform/workers.ts';

const miss: Job<null, boolean> = {
  name: 'miss',
  run: () => nativeModule('odradek-nobody-has-this', 'nothing is done') === null,
};

serveJobs([miss]);
