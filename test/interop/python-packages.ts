/** Python's packages of versions of our choice, fetched once into the user's cache. */
import { fetchPackage } from '../../scripts/benchmark/systems/python.ts';
import { Workplace } from '../../scripts/benchmark/workplace.ts';

/** confluent-kafka of today, whose librdkafka is years younger than Debian's. */
export const CURRENT_CONFLUENT = '2.16.1';

/** Why that package can't be had; null when it is there. */
export async function packageLacks(name: string, version: string): Promise<string | null> {
  const workplace = new Workplace('odradek-pip-');
  try {
    return await fetchPackage(workplace, name, version);
  } finally {
    await workplace.close();
  }
}
