/** What this machine has to measure with: Java and Kafka's jars, a compiler for either kind of client, librdkafka. */

import type { BenchmarkCase, LatencyClient, Need, Stage } from './case.ts';
import { CClient, findLoadProgram, type LoadProgram } from './clients/c-client.ts';
import { findLatencyProbes, LatencyProbes } from './clients/latency-probes.ts';
import { JavaRunner, PerformanceTools } from './clients/tools.ts';
import { findJava, type Java } from './systems/java.ts';
import type { Workplace } from './workplace.ts';

export interface Equipment {
  /** A string says why it is not there. */
  readonly java: Java | string;
  readonly probes: { readonly classes: string } | string;
  readonly load: LoadProgram | string;
}

export async function findEquipment(
  workplace: Workplace,
  progress: (message: string) => void,
): Promise<Equipment> {
  const java = await findJava(workplace, progress);
  const probes = typeof java === 'string' ? java : await findLatencyProbes(workplace, java);
  return { java, probes, load: await findLoadProgram(workplace) };
}

/** Why cases with a need can't run; null when they can. */
function lacks({ java, probes, load }: Equipment): Readonly<Record<Need, string | null>> {
  const reason = (found: object | string): string | null => (typeof found === 'string' ? found : null);
  return { java: reason(java), javac: reason(probes), c: reason(load) };
}

/** The cases that can run here, and in words which can't and why. */
export function ableCases(
  cases: readonly BenchmarkCase[],
  equipment: Equipment,
): { readonly able: BenchmarkCase[]; readonly left: string[] } {
  const missing = lacks(equipment);
  const why = (each: BenchmarkCase): string | null => (each.needs === null ? null : missing[each.needs]);
  const left = Map.groupBy(cases, why);
  return {
    able: left.get(null) ?? [],
    left: [...left].flatMap(([reason, those]) =>
      reason === null ? [] : [`left out, as ${reason}: ${those.map(({ name }) => name).join(', ')}`],
    ),
  };
}

export function clientsOf(
  workplace: Workplace,
  { java, probes, load }: Equipment,
): { readonly clients: Stage['clients']; readonly latencyClient: LatencyClient | null } {
  const runner = typeof java === 'string' ? null : new JavaRunner(workplace, java);
  return {
    clients: {
      ...(runner === null ? {} : { java: new PerformanceTools(runner) }),
      ...(typeof load === 'string' ? {} : { c: new CClient(workplace, load.program) }),
    },
    latencyClient:
      runner === null || typeof probes === 'string' ? null : new LatencyProbes(runner, probes.classes),
  };
}
