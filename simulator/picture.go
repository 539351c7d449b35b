package simulator

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const pictureWidth, pictureHeight = 1024, 512

var pictures sync.Map // name → []byte; a handful of names in practice

// maxPictures keeps invented names from filling the memory.
const maxPictures = 32

// picture draws /pictures/{name}.png: a sky, a sun and hills in colours that
// depend on the name, for announcements that want an image by URL.
func picture(rw http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/pictures/"), ".png")
	if !ok || name == "" || strings.Contains(name, "/") {
		http.NotFound(rw, r)
		return
	}
	body, err := drawn(name)
	if err != nil {
		http.Error(rw, "The picture could not be drawn.", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "image/png")
	rw.Header().Set("Cache-Control", "public, max-age=86400")
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(body))
}

func drawn(name string) ([]byte, error) {
	if body, ok := pictures.Load(name); ok {
		return body.([]byte), nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	var out bytes.Buffer
	if err := png.Encode(&out, draw(float64(h.Sum32()%360))); err != nil {
		return nil, err
	}
	count := 0
	pictures.Range(func(any, any) bool { count++; return true })
	if count < maxPictures {
		pictures.Store(name, out.Bytes())
	}
	return out.Bytes(), nil
}

// draw paints an evening: blue to violet above, warm below, so that every name
// gives a picture one would put above an announcement.
func draw(turn float64) image.Image {
	hue := 195 + turn*65/360
	img := image.NewRGBA(image.Rect(0, 0, pictureWidth, pictureHeight))
	top, bottom := tint(hue, .62, .58), tint(28, .92, .86)
	for y := range pictureHeight {
		for x := range pictureWidth {
			img.SetRGBA(x, y, pixel(float64(x), float64(y), hue, blend(top, bottom, float64(y)/pictureHeight)))
		}
	}
	return img
}

func pixel(x, y, hue float64, sky color.RGBA) color.RGBA {
	c := sky
	if d := math.Hypot(x-760, y-200); d < 190 { // the sun, with a soft halo
		c = blend(tint(44, 1, .8), sky, math.Min(1, math.Max(0, (d-84)/106)))
	}
	for i, hill := range []struct{ base, height, length, shift float64 }{
		{330, 46, 190, 0}, {390, 38, 130, 2}, {445, 26, 90, 4},
	} {
		edge := hill.base - hill.height*math.Sin(x/hill.length+hill.shift) - 12*math.Sin(x/37+hill.shift)
		c = blend(c, tint(hue+12*float64(i), .38, .52-.13*float64(i)), math.Min(1, math.Max(0, y-edge)))
	}
	return c
}

func blend(a, b color.RGBA, share float64) color.RGBA {
	mix := func(x, y uint8) uint8 { return uint8(float64(x)*(1-share) + float64(y)*share) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// tint is hue (degrees), saturation and lightness as a colour.
func tint(hue, saturation, lightness float64) color.RGBA {
	part := func(n float64) uint8 {
		k := math.Mod(n+math.Mod(hue+720, 360)/30, 12)
		a := saturation * math.Min(lightness, 1-lightness)
		return uint8(255 * (lightness - a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1))))
	}
	return color.RGBA{part(0), part(8), part(4), 255}
}
