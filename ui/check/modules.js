// Loads one of the window's TypeScript modules as it is built, for the checks beside this file.
import { runnerImport } from 'vite';

export async function load(path) {
  const { module } = await runnerImport(new URL(`../src/${path}`, import.meta.url).pathname, {
    configFile: false,
    logLevel: 'error',
  });
  return module;
}
