/** Sends every case to both brokers, one after the other, and notes what became of each. */
import type { Case } from './cases.ts';
import { type Difference, differences } from './compared.ts';
import { entriesFor } from './deliberate.ts';
import { Line, type Outcome } from './line.ts';
import type { Pair } from './pair.ts';

export interface Judged {
  readonly sent: Case;
  readonly ours: Outcome;
  readonly kafkas: Outcome;
  readonly found: readonly Difference[];
}

/** How long a request may stay without an answer before it counts as silent. */
const PATIENCE_MS = 30_000;
/** The same where Kafka is known never to answer. */
const SILENCE_MS = 150;

export async function runAll(pair: Pair, cases: readonly Case[], from?: string): Promise<Judged[]> {
  const [ours, kafkas] = [new Line(pair.ours.port, from), new Line(pair.kafkas.port, from)];
  const judged: Judged[] = [];
  try {
    for (const sent of cases) {
      const silence = entriesFor(sent).some((entry) => entry.kafkas === 'silent');
      const outcomes = await Promise.all([
        ours.send(sent.frame(pair.ours.world), PATIENCE_MS),
        kafkas.send(sent.frame(pair.kafkas.world), silence ? SILENCE_MS : PATIENCE_MS),
      ]);
      const found = differences(sent, [outcomes[0], pair.ours.world], [outcomes[1], pair.kafkas.world]);
      judged.push({ sent, ours: outcomes[0], kafkas: outcomes[1], found });
    }
  } finally {
    ours.close();
    kafkas.close();
  }
  return judged;
}
