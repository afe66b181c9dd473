/**
 * Whatever reads what strangers send, fed with valid inputs that were mutated: logins, handshakes, tokens, stores.
 * A finding is printed with what is wrong and the command that makes the same input again.
 */
import { FUZZ_TARGETS } from '../test/fuzz/all-targets.ts';
import { type FuzzResult, type FuzzTarget, fuzz, MOST_FINDINGS } from '../test/fuzz/fuzz.ts';
import { type CommandSpec, UsageError } from './cli/arguments.ts';
import { runCommand } from './cli/run.ts';

const NAMES = FUZZ_TARGETS.map(({ name }) => name).join(', ');
const WHOLE = FUZZ_TARGETS.reduce((sum, { share }) => sum + share, 0);

const fuzzing: CommandSpec = {
  name: 'fuzz',
  summary: 'Feeds mutated inputs to whatever reads what strangers send, and looks for more than refusals.',
  options: [
    { name: 'inputs', value: 'N', kind: 'integer', min: 1, help: 'how many', fallback: '1000000' },
    { name: 'from', value: 'SEED', kind: 'integer', min: 0, help: 'the number of the first', fallback: '1' },
    { name: 'only', value: 'NAMES', help: `of ${NAMES}, with commas between them` },
    {
      name: 'limit-ms',
      value: 'N',
      kind: 'integer',
      min: 1,
      help: 'an input that needs longer of a processor is a finding',
      fallback: '500',
    },
  ],
  async run(given) {
    const only = given.text('only');
    const targets = only === null ? FUZZ_TARGETS : only.split(',').map(named);
    const inputs = given.needInteger('inputs');
    const [from, limitMs] = [given.needInteger('from'), given.needInteger('limit-ms')];
    const began = performance.now();
    let findings = 0;
    for (const target of targets) {
      const own = only === null ? Math.ceil((inputs * target.share) / WHOLE) : inputs;
      const startedMs = performance.now();
      const result = await fuzz(target, { from, inputs: own, limitMs });
      findings += result.findings.length;
      report(result, (performance.now() - startedMs) / 1000);
    }
    const { maxRSS } = process.resourceUsage();
    say(
      `${findings} findings in ${((performance.now() - began) / 1000).toFixed(0)} s; at most ${Math.round(maxRSS / 1024)} MiB.`,
    );
    return findings === 0 ? 0 : 1;
  },
};

function named(name: string): FuzzTarget {
  const found = FUZZ_TARGETS.find((target) => target.name === name.trim());
  if (found === undefined) throw new UsageError(`--only: there is no ${name}; there are ${NAMES}`);
  return found;
}

function report(
  { target, taken, refused, slowestMs, slowestSeed, findings }: FuzzResult,
  seconds: number,
): void {
  const mib = Math.round(process.memoryUsage.rss() / 2 ** 20);
  say(
    `${target}: ${taken} taken, ${refused} refused, in ${seconds.toFixed(1)} s; the slowest took ${slowestMs.toFixed(1)} ms (${slowestSeed}); ${mib} MiB`,
  );
  if (findings.length >= MOST_FINDINGS)
    say(`  ${MOST_FINDINGS} findings: the rest of its inputs was left out`);
  for (const { seed, what } of findings) {
    say(`  ${what}\n  again: ./scripts/fuzz --only ${target} --from ${seed} --inputs 1`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runCommand(fuzzing, './scripts/fuzz', process.argv.slice(2));
