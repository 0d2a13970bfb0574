/** Browser: the GPU object is the page's own. */
import { provideGpu } from "./gpu.ts";

provideGpu(() => navigator.gpu);
