/** The program of a thread of the pool: the jobs there are. It loads what they need of the sources, and no more. */
import { FILTER_JOB, KEYS_JOB } from './log/cleaner/batch-jobs.ts';
import { serveJobs } from './platform/worker-thread.ts';
import { CONVERT_JOB } from './records/convert-job.ts';
import { DECOMPRESS_JOB } from './records/decompress-job.ts';
import { SEARCH_JOB } from './records/time-search.ts';
import { VALIDATE_JOB } from './records/validate-job.ts';

serveJobs([VALIDATE_JOB, SEARCH_JOB, CONVERT_JOB, DECOMPRESS_JOB, KEYS_JOB, FILTER_JOB]);
