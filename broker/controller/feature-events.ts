/**
 * UpdateFeatures: what becomes of finalised features. Brokers of a cluster with ZooKeeper support no feature at
 * all, so that none can be finalised or raised; what another version has left in /feature can be removed.
 * Source: kafka.controller.KafkaController.processFeatureUpdatesWithActiveController.
 */
import { NameMap } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import type { Term } from './term.ts';

export interface FeatureUpdate {
  readonly feature: string;
  /** Below 1 it is removed, where that is allowed. */
  readonly maxVersionLevel: number;
  readonly mayFall: boolean;
}

export interface FeatureAnswer {
  readonly feature: string;
  readonly error: ErrorCode;
  readonly message: string | null;
}

/** Removes what may be removed, and says of each update whether it was done. */
export async function applyFeatureUpdates(
  term: Term,
  updates: readonly FeatureUpdate[],
  validateOnly: boolean,
): Promise<FeatureAnswer[]> {
  const { store, fenced } = term;
  const feature = await store.feature();
  const levels = new Map(feature?.levels);
  const answers = await term.turns.take(judged(updates, levels));
  for (const { feature: name, error } of answers) if (error === ErrorCode.NONE) levels.delete(name);
  if (!validateOnly && feature !== null && levels.size < feature.levels.size) {
    await fenced.writeFeature({ enabled: true, levels }, feature.version);
  }
  return answers;
}

/** The last word on a feature counts. */
function* judged(
  updates: readonly FeatureUpdate[],
  finalised: ReadonlyMap<string, number>,
): Steps<FeatureAnswer[]> {
  const named = new NameMap<FeatureUpdate>();
  for (const update of updates) {
    named.set(update.feature, update);
    yield;
  }
  const answers: FeatureAnswer[] = [];
  for (const update of named.values()) {
    answers.push({ feature: update.feature, ...judge(update, finalised) });
    yield;
  }
  return answers;
}

function judge(
  { feature, maxVersionLevel, mayFall }: FeatureUpdate,
  finalised: ReadonlyMap<string, number>,
): Omit<FeatureAnswer, 'feature'> {
  if (feature === '') return invalid('Feature name can not be empty.');
  if (maxVersionLevel >= 1) return invalid(`Feature ${feature} is not supported by any broker.`);
  if (!mayFall) {
    return invalid(`Level ${maxVersionLevel} removes ${feature}, but it must not fall.`);
  }
  if (!finalised.has(feature)) return invalid(`Feature ${feature} is not finalised: it can not be removed.`);
  return { error: ErrorCode.NONE, message: null };
}

function invalid(message: string): Omit<FeatureAnswer, 'feature'> {
  return { error: ErrorCode.INVALID_REQUEST, message };
}
