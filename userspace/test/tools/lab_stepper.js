// SPDX-License-Identifier: GPL-2.0
// node lab_stepper.js REPLAY: the page's stepper counts as the C engine, on a thousand strings.
'use strict';
const { execFileSync } = require('child_process');
const { simulate, parse } = require('../../lab/page/stepper.js');

let seed = 16;
const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % n; };
const strings = Array.from({ length: 1000 }, () => {
	const pages = 1 + random(10);

	return Array.from({ length: 1 + random(50) }, () => random(pages)).join(' ');
});
const lines = execFileSync(process.argv[2], ['batch'], { input: strings.join('\n') + '\n' }).toString().trim().split('\n');
let compared = 0;

strings.forEach((string, i) => {
	for (const line of lines.slice(4 * i, 4 * i + 4)) {
		const [policy, ...faults] = line.split(' ');

		faults.forEach((count, n) => {
			const steps = simulate(policy, parse(string), n + 1);

			compared++;
			if (steps[steps.length - 1].faults !== Number(count)) {
				console.log(`${policy} in ${n + 1} frames, ${string}: ${steps[steps.length - 1].faults}, not ${count}`);
				process.exit(1);
			}
		});
	}
});
console.log(`${compared} counts are the same`);
process.exit(compared > 4000 ? 0 : 1);
