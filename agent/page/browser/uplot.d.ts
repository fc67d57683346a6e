/** The server hands out uPlot's module under `assets/uplot.js`, beside these files. */
import uPlot from 'uplot';
export default uPlot;
