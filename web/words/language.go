package words

import (
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast/message"
)

// Tongue is a language by its code (BCP 47) and its name.
type Tongue struct{ Code, Name string }

// tongues are the languages of Teams, by their names. Any other goes by its code.
var tongues = []Tongue{
	{"ar", "Arabic"},
	{"bg", "Bulgarian"},
	{"ca", "Catalan"},
	{"zh-Hans", "Chinese, simplified"},
	{"zh-Hant", "Chinese, traditional"},
	{"hr", "Croatian"},
	{"cs", "Czech"},
	{"da", "Danish"},
	{"nl", "Dutch"},
	{"en", "English"},
	{"en-GB", "English (United Kingdom)"},
	{"et", "Estonian"},
	{"fil", "Filipino"},
	{"fi", "Finnish"},
	{"fr", "French"},
	{"fr-CA", "French (Canada)"},
	{"gl", "Galician"},
	{"de", "German"},
	{"de-AT", "German (Austria)"},
	{"de-CH", "German (Switzerland)"},
	{"el", "Greek"},
	{"he", "Hebrew"},
	{"hi", "Hindi"},
	{"hu", "Hungarian"},
	{"id", "Indonesian"},
	{"it", "Italian"},
	{"ja", "Japanese"},
	{"ko", "Korean"},
	{"lv", "Latvian"},
	{"lt", "Lithuanian"},
	{"ms", "Malay"},
	{"nb", "Norwegian, Bokmål"},
	{"pl", "Polish"},
	{"pt", "Portuguese"},
	{"pt-BR", "Portuguese (Brazil)"},
	{"ro", "Romanian"},
	{"ru", "Russian"},
	{"sr", "Serbian"},
	{"sk", "Slovak"},
	{"sl", "Slovenian"},
	{"es", "Spanish"},
	{"es-MX", "Spanish (Mexico)"},
	{"sv", "Swedish"},
	{"th", "Thai"},
	{"tr", "Turkish"},
	{"uk", "Ukrainian"},
	{"vi", "Vietnamese"},
}

// Languages are those to choose from.
func Languages() []Tongue { return slices.Clone(tongues) }

// Language is the name of a locale: "German", "German (LI)"; its code if nobody here
// knows it. "" is the message as it is written first.
func Language(code string) string {
	switch code {
	case "":
		return "All other languages"
	case message.InTeam:
		return "In a team"
	}
	for end := len(code); end > 0; end = strings.LastIndexByte(code[:end], '-') {
		i := slices.IndexFunc(tongues, func(t Tongue) bool { return t.Code == code[:end] })
		switch {
		case i >= 0 && end == len(code):
			return tongues[i].Name
		case i >= 0:
			return tongues[i].Name + " (" + code[end+1:] + ")"
		}
	}
	return code
}

// LocaleOf is the code of a language somebody wrote by its name; "" if nobody here
// knows it.
func LocaleOf(name string) string {
	i := slices.IndexFunc(tongues, func(t Tongue) bool { return strings.EqualFold(t.Name, strings.TrimSpace(name)) })
	if i < 0 {
		return ""
	}
	return tongues[i].Code
}
