// What Pillow's ImageEnhance is made of: a colour's gray, and the way from another colour to it and beyond.

fn gray_of(color: vec3f) -> f32 {
  return dot(color, vec3f(0.299, 0.587, 0.114));
}

fn blend(color: vec3f, other: vec3f, factor: f32) -> vec3f {
  return clamp(other + factor * (color - other), vec3f(), vec3f(255));
}
