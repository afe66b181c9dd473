/** `odradek/testkit/jest-teardown`: ends what jest-setup.ts has started. */
import { teardown } from './jest-setup.ts';

// biome-ignore lint/style/noDefaultExport: this is how jest finds it
export default teardown;
