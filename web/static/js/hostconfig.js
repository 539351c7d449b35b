// How Teams dresses a card: fonts, spacing and colours of its light and dark theme.

const shared = {
  fontFamily: '"Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif',
  fontTypes: {
    default: {
      fontFamily: '"Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif',
      fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
      fontWeights: { lighter: 400, default: 400, bolder: 600 },
    },
    monospace: {
      fontFamily: 'Consolas, "Liberation Mono", Menlo, monospace',
      fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
      fontWeights: { lighter: 400, default: 400, bolder: 600 },
    },
  },
  lineHeights: { small: 16, default: 20, medium: 22, large: 24, extraLarge: 32 },
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  imageSizes: { small: 32, medium: 52, large: 100 },
  imageSet: { imageSize: "medium", maxImageHeight: 100 },
  supportsInteractivity: true,
  adaptiveCard: { allowCustomStyle: true },
  media: { allowInlinePlayback: false },
  actions: {
    maxActions: 6,
    spacing: "default",
    buttonSpacing: 0, // card.css does it with gap, so that wrapped rows line up
    actionsOrientation: "horizontal",
    actionAlignment: "left",
    allowTitleToWrap: true,
    iconPlacement: "leftOfTitle",
    iconSize: 16,
    showCard: { actionMode: "inline", inlineTopMargin: 12, style: "emphasis" },
  },
  factSet: {
    title: { weight: "bolder", wrap: true, maxWidth: 160 },
    value: { wrap: true },
    spacing: 16,
  },
  inputs: {
    label: {
      inputSpacing: "small",
      requiredInputs: { weight: "default", suffix: " *", suffixColor: "attention" },
      optionalInputs: { weight: "default" },
    },
    errorMessage: { color: "attention", size: "small", spacing: "small" },
  },
  textBlock: { headingLevel: 3 },
};

const colour = (base, subtle) => ({ default: base, subtle, highlightColors: { default: "#33FFC83D", subtle: "#22FFC83D" } });

const themes = {
  light: {
    text: ["#242424", "#616161"],
    dark: ["#000000", "#424242"],
    light: ["#FFFFFF", "#E0E0E0"],
    accent: ["#4F52B2", "#5B5FC7"],
    good: ["#0B6A0B", "#237B4B"],
    warning: ["#835B00", "#8A5D00"],
    attention: ["#B10E1C", "#C4314B"],
    line: "#E0E0E0",
    backgrounds: {
      default: "#FFFFFF", emphasis: "#F0F0F0", accent: "#E8EBFA",
      good: "#E7F2DA", warning: "#FBF6D9", attention: "#FCF4F6",
    },
  },
  dark: {
    text: ["#FFFFFF", "#C2C2C2"],
    dark: ["#D6D6D6", "#ADADAD"],
    light: ["#FFFFFF", "#E0E0E0"],
    accent: ["#A6A7F0", "#9299F7"],
    good: ["#92C353", "#86B44C"],
    warning: ["#F8D22A", "#DFBE2C"],
    attention: ["#F6808E", "#F9526B"],
    line: "#4A4A4A",
    backgrounds: {
      default: "#292929", emphasis: "#3B3B3B", accent: "#2F2F4A",
      good: "#1F2E10", warning: "#3A300A", attention: "#3E1F25",
    },
  },
};

/** hostConfig answers the object Microsoft's renderer wants, for "light" or "dark". */
export function hostConfig(scheme) {
  const theme = themes[scheme];
  const foregroundColors = {
    default: colour(...theme.text), dark: colour(...theme.dark), light: colour(...theme.light),
    accent: colour(...theme.accent), good: colour(...theme.good),
    warning: colour(...theme.warning), attention: colour(...theme.attention),
  };
  const containerStyles = {};
  for (const [name, backgroundColor] of Object.entries(theme.backgrounds)) {
    containerStyles[name] = { backgroundColor, foregroundColors, borderColor: theme.line };
  }
  return { ...shared, separator: { lineThickness: 1, lineColor: theme.line }, containerStyles };
}
