/** One cluster for the whole run of jest; `globals.odradek` has its options. */
module.exports = {
  globalSetup: 'odradek/testkit/jest',
  globalTeardown: 'odradek/testkit/jest-teardown',
  testTimeout: 60_000, // 5 s unless told otherwise, which a busy machine may exceed
  globals: { odradek: { brokers: 3, topics: ['orders'] } },
};
