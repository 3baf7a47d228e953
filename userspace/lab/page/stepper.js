// SPDX-License-Identifier: GPL-2.0
// The replacement policies, one reference at a time. Counts as userspace/lab/replay does.
'use strict';

const policies = {
	// Each says which frame to take; all frames are full.
	opt(state, refs, t) {
		const next = (page) => { const i = refs.indexOf(page, t + 1); return i < 0 ? Infinity : i; };
		let best = 0;
		state.frames.forEach((page, i) => { if (next(page) > next(state.frames[best])) best = i; });
		return best;
	},
	lru(state) { return state.used.indexOf(Math.min(...state.used)); },
	clock(state) {
		while (state.bits[state.hand]) {
			state.bits[state.hand] = 0;
			state.hand = (state.hand + 1) % state.n;
		}
		const frame = state.hand;
		state.hand = (state.hand + 1) % state.n;
		return frame;
	},
	fifo(state) { return state.loaded.indexOf(Math.min(...state.loaded)); },
};

// The state after each reference: frames, reference bits, hand, what was evicted, faults so far.
function simulate(policy, refs, n) {
	const state = { n, frames: [], bits: [], used: [], loaded: [], hand: 0 };
	let faults = 0;

	return refs.map((page, t) => {
		let frame = state.frames.indexOf(page), evicted = null;
		const fault = frame < 0;

		if (fault) {
			faults++;
			frame = state.frames.length;
			if (frame === n) {
				frame = policies[policy](state, refs, t);
				evicted = state.frames[frame];
			}
			state.frames[frame] = page;
			state.loaded[frame] = t;
		}
		state.used[frame] = t;
		state.bits[frame] = 1;
		return { page, fault, frame, evicted, faults, hand: state.hand,
			frames: state.frames.slice(), bits: state.bits.slice() };
	});
}

// Page numbers from what was typed; an Error has the word that is none.
function parse(text) {
	const words = text.split(/[\s,]+/).filter((word) => word);
	const wrong = words.find((word) => !/^[0-9]+$/.test(word));

	if (wrong !== undefined) throw new Error(wrong);
	return words.map(Number);
}

if (typeof module !== 'undefined') module.exports = { simulate, parse, policies };
