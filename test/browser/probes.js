// One expression: what `page.test.ts` asks inside the page.
({
  /** The canvas has cells of more than a few colours: it was really painted. */
  drawn() {
    const canvas = document.querySelector('.heatmap canvas');
    if (!canvas || canvas.width === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return colours.size > 8;
  },

  overflow: () => document.documentElement.scrollWidth - document.documentElement.clientWidth,

  focused: () => document.activeElement?.textContent,

  /** Stops, pictures and headings without a name, and names that point nowhere. */
  nameless() {
    const named = (element) =>
      (
        element.getAttribute('aria-label') ??
        element.closest('label')?.textContent ??
        element.textContent
      ).trim() !== '';
    const stops = 'a[href], button, input, summary, [tabindex="0"], [role="img"], progress, th';
    const ids = [...document.querySelectorAll('[aria-labelledby], [aria-describedby]')].flatMap((element) =>
      ['aria-labelledby', 'aria-describedby']
        .map((name) => element.getAttribute(name))
        .filter((id) => id !== null),
    );
    return [
      ...[...document.querySelectorAll(stops)]
        .filter((element) => !named(element))
        .map(({ outerHTML }) => outerHTML),
      ...ids
        .filter((id) => !document.getElementById(id)?.textContent)
        .map((id) => `#${id} is missing or empty`),
    ];
  },

  /** WCAG's contrast of every piece of text with the first ground behind it; 4.5 is what AA asks of small text. */
  tooFaint() {
    const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = channels(colour).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
      if (!element) return 'rgb(255, 255, 255)';
      const colour = getComputedStyle(element).backgroundColor;
      return channels(colour)[3] === 0 ? ground(element.parentElement) : colour;
    };
    const contrast = (element) => {
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    return [...document.querySelectorAll('body *')]
      .filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()),
      )
      .filter((element) => element.checkVisibility() && contrast(element) < 4.5)
      .map((element) => `${element.className}: ${contrast(element).toFixed(2)}`);
  },
});
