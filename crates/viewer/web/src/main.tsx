import { render } from "preact";
import { App } from "./app/App";
import { watchLeaving } from "./app/leaving";
import { start } from "./app/state";
import { applyTheme } from "./app/theme";
import "uplot/dist/uPlot.min.css";
import "./style/style.css";

watchLeaving();
applyTheme();
const root = document.getElementById("app");
if (root) {
  render(<App />, root);
}
void start();
