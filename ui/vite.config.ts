// How the window is built: one page, plain files beside it, nothing from the network and nothing inline, so that
// the strict content security policy of the shell holds.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { engine, policy } from './dev/engine.ts';

export default defineConfig({
  plugins: [svelte({ dynamicCompileOptions: () => ({ runes: true }) }), engine()],
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { host: '127.0.0.1', fs: { allow: ['.', '../locales'] } },
  preview: { host: '127.0.0.1', headers: { 'content-security-policy': policy } },
});
