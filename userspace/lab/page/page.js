// SPDX-License-Identifier: GPL-2.0
// The page: language, guesses, stepper, curves.
'use strict';

const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const say = (en, es) => (document.documentElement.lang === 'es' ? es : en);
const titles = { opt: ['OPT', 'Óptimo'], lru: ['LRU', 'LRU'], clock: ['Clock', 'Reloj'], fifo: ['FIFO', 'FIFO'] };

function setLanguage(lang) {
	document.documentElement.lang = lang;
	document.title = say('The memory lab', 'El laboratorio de memoria');
	drawStepper();
}

// A guess comes before the answer. On paper both are there.
function setUpGuesses() {
	for (const section of $$('.guess')) {
		for (const button of $$('button', section)) {
			button.addEventListener('click', () => {
				for (const other of $$('button', section)) other.disabled = true;
				button.classList.add('true' === button.dataset.right ? 'right' : 'wrong');
				$('button[data-right=true]', section).classList.add('right');
				section.nextElementSibling.classList.remove('hidden');
			});
		}
		section.nextElementSibling.classList.add('hidden');
	}
}

let at = 0;

function drawStepper() {
	const message = $('#message'), area = $('#runs');
	let refs;

	message.textContent = '';
	area.replaceChildren();
	try {
		refs = parse($('#string').value);
	} catch (error) {
		message.textContent = say(`"${error.message}" is no page number: write numbers and spaces, as in 1 2 3 4 1 2 5`,
			`«${error.message}» no es un número de página: escribe números y espacios, como 1 2 3 4 1 2 5`);
		return;
	}
	const n = Number($('#frames').value);
	if (!refs.length) {
		message.textContent = say('The string is empty: write page numbers', 'La cadena está vacía: escribe números de página');
		return;
	}
	if (!Number.isInteger(n) || n < 1 || n > 64) {
		message.textContent = say('The number of frames is from 1 to 64', 'El número de marcos va de 1 a 64');
		return;
	}
	at = Math.max(0, Math.min(at, refs.length));
	$('#at').textContent = `${at} / ${refs.length}`;
	for (const policy of Object.keys(policies)) {
		if (!$(`#show-${policy}`).checked) continue;
		area.append(drawRun(policy, refs, n));
	}
}

function cell(tag, text, className) {
	const element = document.createElement(tag);

	element.textContent = text;
	if (className) element.className = className;
	return element;
}

function both(element, [en, es]) {
	element.append(cell('span', en, 'en'), cell('span', es, 'es'));
}

function drawRun(policy, refs, n) {
	const steps = simulate(policy, refs, n);
	const figure = document.createElement('figure');
	const table = document.createElement('table');
	const faults = at ? steps[at - 1].faults : 0;
	let row = table.insertRow();

	row.append(cell('th', ''));
	refs.forEach((page, t) => row.append(cell('th', page, t === at - 1 ? 'now' : '')));
	for (let frame = 0; frame < n; frame++) {
		row = table.insertRow();
		row.append(cell('th', say('frame ', 'marco ') + frame));
		steps.forEach((step, t) => {
			if (t >= at) return row.append(cell('td', ''));
			const page = step.frames[frame];
			let text = page === undefined ? '' : String(page);
			if (policy === 'clock' && page !== undefined) text += step.bits[frame] ? '•' : '';
			if (policy === 'clock' && frame === step.hand) text = '→' + text;
			row.append(cell('td', text, step.frame === frame ? (step.fault ? 'load' : 'hit') : ''));
		});
	}
	row = table.insertRow();
	row.append(cell('th', say('fault', 'falta')));
	steps.forEach((step, t) => row.append(cell('td', t < at && step.fault ? '✗' : '', 'faults')));
	const caption = cell('figcaption', '');
	caption.append(cell('b', titles[policy][say(0, 1)]),
		say(`: ${faults} faults`, `: ${faults} faltas de página`));
	if (at && steps[at - 1].fault) {
		const step = steps[at - 1];
		caption.append(step.evicted === null ?
			say(`; page ${step.page} into free frame ${step.frame}`, `; página ${step.page} al marco libre ${step.frame}`) :
			say(`; page ${step.page} replaces ${step.evicted}`, `; la página ${step.page} sustituye a la ${step.evicted}`));
	}
	figure.dataset.policy = policy;
	figure.dataset.faults = faults;
	figure.append(caption, table);
	return figure;
}

function setUpStepper() {
	const move = (to) => () => { at = to(); drawStepper(); };
	const all = () => { try { return parse($('#string').value).length; } catch { return 0; } };

	$('#first').addEventListener('click', move(() => 0));
	$('#back').addEventListener('click', move(() => at - 1));
	$('#forward').addEventListener('click', move(() => at + 1));
	$('#last').addEventListener('click', move(all));
	for (const input of $$('#stepper input')) input.addEventListener('input', () => drawStepper());
	for (const button of $$('[data-string]')) {
		button.addEventListener('click', () => {
			$('#string').value = button.dataset.string;
			$('#frames').value = button.dataset.frames;
			at = 0;
			drawStepper();
		});
	}
}

// Curves are gnuplot's; the data lie beside them. A click on a name turns its curve off.
function setUpCurves() {
	for (const figure of $$('figure.curve')) {
		const data = JSON.parse($('script', figure).textContent);
		const svg = $('svg', figure), read = $('.read', figure);

		data.names.forEach((name, i) => {
			const button = cell('button', '');
			const plot = $(`[id$="gnuplot_plot_${i + 1}"]`, svg);

			both(button, name);
			button.style.borderColor = data.colours[i];
			button.addEventListener('click', () => {
				button.classList.toggle('off');
				plot.style.display = button.classList.contains('off') ? 'none' : '';
			});
			$('.names', figure).append(button);
		});
		svg.addEventListener('pointermove', (event) => {
			const box = svg.getBoundingClientRect();
			const x = ((event.clientX - box.left) / box.width - data.left) / (data.right - data.left);
			const frames = data.rows[0][0] * (data.rows[data.rows.length - 1][0] / data.rows[0][0]) ** x;
			const near = data.rows.reduce((best, row) =>
				(Math.abs(Math.log(row[0] / frames)) < Math.abs(Math.log(best[0] / frames)) ? row : best));

			read.replaceChildren();
			both(read, ['en', 'es'].map((lang, l) => `${near[0]} ${data.x[l]}: ` +
				data.names.map((name, i) => `${name[l]} ${near[i + 1].toLocaleString(lang)}`).join(', ')));
		});
	}
}

addEventListener('DOMContentLoaded', () => {
	setUpGuesses();
	setUpStepper();
	setUpCurves();
	for (const button of $$('[data-lang]')) button.addEventListener('click', () => setLanguage(button.dataset.lang));
	const asked = new URLSearchParams(location.search).get('lang');
	setLanguage(asked || (navigator.language.startsWith('es') ? 'es' : 'en'));
});
