package form

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/web/words"
)

// readVariants reads the message's variants: each has its locale in the fields' names.
func readVariants(f url.Values) []message.Variant {
	var out []message.Variant
	for _, locale := range f["variant"] {
		of := func(field string) string { return "variants." + locale + "." + field }
		v := message.Variant{Locale: locale, Title: f.Get(of("title")), Body: f.Get(of("body")), ImageURL: f.Get(of("image_url")), ImageAlt: f.Get(of("image_alt"))}
		for i := 0; ; i++ {
			title, address := of(fmt.Sprintf("buttons.%d.title", i)), of(fmt.Sprintf("buttons.%d.url", i))
			if !f.Has(title) && !f.Has(address) {
				break
			}
			v.Buttons = append(v.Buttons, message.Button{Title: f.Get(title), URL: f.Get(address)})
		}
		out = append(out, v)
	}
	return out
}

// addVariant begins a variant in the language that was typed: its code or its name.
func (f *Draft) addVariant() {
	locale := message.Locale(f.Adding)
	if code := words.LocaleOf(f.Adding); code != "" {
		locale = code
	}
	there := slices.ContainsFunc(f.Message.Variants, func(v message.Variant) bool { return v.Locale == locale })
	switch {
	case strings.TrimSpace(f.Adding) == "":
		f.AddWrong = "Choose the language first."
	case !message.IsLocale(locale):
		f.AddWrong = "This is no language that is known here. Choose one of the list, or write its code, like de or pt-BR."
	case there:
		f.AddWrong = words.Language(locale) + " is there already."
	case len(f.Message.Variants) >= message.MaxVariants:
		f.AddWrong = fmt.Sprintf("There are %d languages already; more are not kept.", message.MaxVariants)
	default:
		f.Message.Variants = append(f.Message.Variants, message.Variant{Locale: locale})
		f.Adding, f.AddWrong, f.LookIn = "", "", locale
	}
}

func (f *Draft) dropVariant(locale string) {
	f.Message.Variants = slices.DeleteFunc(slices.Clone(f.Message.Variants), func(v message.Variant) bool { return v.Locale == locale })
	if f.LookIn == locale {
		f.LookIn = ""
	}
}
