// Draws the pictures the programs carry from the drawings beside this file; run by `cargo xtask icons`.
import { createRequire } from 'node:module';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [playwright, folder] = process.argv.slice(2);
const { chromium } = createRequire(join(playwright, 'package.json'))('playwright-core');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function draw(svg, size) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    const data = Buffer.from(svg).toString('base64');
    await page.setContent(
        `<style>html,body{margin:0;background:transparent}img{display:block;width:${size}px;height:${size}px}</style>` +
            `<img src="data:image/svg+xml;base64,${data}">`,
    );
    const png = await page.screenshot({ omitBackground: true });
    await page.close();
    return png;
}

/** Windows' icon file: a directory of PNGs (as since Vista). */
function ico(pictures) {
    const head = Buffer.alloc(6 + 16 * pictures.length);
    head.writeUInt16LE(1, 2);
    head.writeUInt16LE(pictures.length, 4);
    let offset = head.length;
    pictures.forEach(({ size, png }, at) => {
        const entry = 6 + 16 * at;
        head.writeUInt8(size % 256, entry);
        head.writeUInt8(size % 256, entry + 1);
        head.writeUInt16LE(1, entry + 4);
        head.writeUInt16LE(32, entry + 6);
        head.writeUInt32LE(png.length, entry + 8);
        head.writeUInt32LE(offset, entry + 12);
        offset += png.length;
    });
    return Buffer.concat([head, ...pictures.map(({ png }) => png)]);
}

/** macOS' icon file: typed chunks of PNGs. */
function icns(pictures) {
    const chunks = pictures.map(({ type, png }) => {
        const head = Buffer.alloc(8);
        head.write(type, 0, 'latin1');
        head.writeUInt32BE(png.length + 8, 4);
        return Buffer.concat([head, png]);
    });
    const body = Buffer.concat(chunks);
    const head = Buffer.alloc(8);
    head.write('icns', 0, 'latin1');
    head.writeUInt32BE(body.length + 8, 4);
    return Buffer.concat([head, body]);
}

const app = readFileSync(join(folder, 'drawbridge.svg'));
const sized = async (size) => ({ size, png: await draw(app, size) });
writeFileSync(join(folder, '32x32.png'), (await sized(32)).png);
writeFileSync(join(folder, '128x128.png'), (await sized(128)).png);
writeFileSync(join(folder, '128x128@2x.png'), (await sized(256)).png);
writeFileSync(join(folder, 'icon.ico'), ico([await sized(16), await sized(32), await sized(48), await sized(256)]));
const types = { 128: 'ic07', 256: 'ic08', 512: 'ic09' };
const pictures = await Promise.all([128, 256, 512].map(async (size) => ({ type: types[size], ...(await sized(size)) })));
writeFileSync(join(folder, 'icon.icns'), icns(pictures));
for (const name of readdirSync(join(folder, 'tray')).filter((name) => name.endsWith('.svg'))) {
    const svg = readFileSync(join(folder, 'tray', name));
    for (const size of [24, 48]) {
        writeFileSync(join(folder, 'tray', name.replace('.svg', `-${size}.png`)), await draw(svg, size));
    }
}
await browser.close();
