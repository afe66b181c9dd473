/** Style sheets are taken along by the bundler, and are nothing to the program. */
declare module '*.css';
